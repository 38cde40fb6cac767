import {
  calibrated,
  type AttemptId,
  type CalibrationLesson,
  type CalibrationState,
} from '#libs/domain';
import type { Calibrations } from '../cost-ports';
import { firstRow, json, prepared, type Database } from '../transaction';

interface CalibrationRow {
  readonly key: string;
  readonly state: CalibrationState;
}

const mark = prepared(
  'UPDATE attempt SET calibrated = true WHERE id = $1 AND NOT calibrated RETURNING id',
);
/** Whoever is first for a market makes its row, so that there is something to lock. */
const ensure = prepared(
  `INSERT INTO calibration (key, state) VALUES ($1, 'null') ON CONFLICT (key) DO NOTHING`,
);
const lock = prepared('SELECT key, state FROM calibration WHERE key = $1 FOR UPDATE');
const write = prepared('UPDATE calibration SET state = $2::jsonb WHERE key = $1');

export class PostgresCalibrations implements Calibrations {
  constructor(private readonly database: Database) {}

  async all(): Promise<Readonly<Record<string, CalibrationState>>> {
    const rows = await this.database.rows<CalibrationRow>(
      'SELECT key, state FROM calibration ORDER BY key',
    );
    return Object.fromEntries(rows.map(({ key, state }) => [key, state]));
  }

  async learn(
    attemptId: AttemptId,
    key: string,
    lesson: CalibrationLesson,
    nowMs: number,
  ): Promise<void> {
    await this.database.transaction(async (sql) => {
      if ((await sql.rows(mark, [attemptId])).length === 0) return;
      await sql.rows(ensure, [key]);
      const known = await firstRow<{ readonly state: CalibrationState | null }>(sql, lock, [key]);
      await sql.rows(write, [key, json(calibrated(known?.state ?? null, lesson, nowMs))]);
    });
  }
}
