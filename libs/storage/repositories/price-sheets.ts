import type { PriceSheet } from '#libs/domain';
import type { PriceSheets, StoredSheet } from '../price-ports';
import { firstRow, json, type Database } from '../transaction';

interface SheetRecord {
  readonly sheet: PriceSheet;
  readonly uploaded_at_ms: number;
  readonly uploaded_by: string;
}

export class PostgresPriceSheets implements PriceSheets {
  constructor(private readonly database: Database) {}

  async put({ sheet, uploadedAtMs, uploadedBy }: StoredSheet): Promise<void> {
    await this.database.rows(
      `INSERT INTO price_sheet (name, sheet, uploaded_at_ms, uploaded_by) VALUES ($1, $2, $3, $4)
       ON CONFLICT (name) DO UPDATE SET sheet = excluded.sheet, uploaded_at_ms = excluded.uploaded_at_ms,
         uploaded_by = excluded.uploaded_by`,
      [sheet.name, json(sheet), uploadedAtMs, uploadedBy],
    );
  }

  async get(name: string): Promise<StoredSheet | null> {
    const row = await firstRow<SheetRecord>(
      this.database,
      'SELECT * FROM price_sheet WHERE name = $1',
      [name],
    );
    return row === null ? null : storedSheet(row);
  }

  async list(): Promise<readonly StoredSheet[]> {
    const rows = await this.database.rows<SheetRecord>('SELECT * FROM price_sheet ORDER BY name');
    return rows.map(storedSheet);
  }

  async remove(name: string): Promise<boolean> {
    const rows = await this.database.rows(
      'DELETE FROM price_sheet WHERE name = $1 RETURNING name',
      [name],
    );
    return rows.length > 0;
  }
}

function storedSheet(row: SheetRecord): StoredSheet {
  return { sheet: row.sheet, uploadedAtMs: row.uploaded_at_ms, uploadedBy: row.uploaded_by };
}
