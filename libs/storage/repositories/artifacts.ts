import { asAttemptId, asJobId, type JobId } from '#libs/domain';
import { firstRow, type Database } from '../transaction';
import type { ArtifactKind, ArtifactMeta, ArtifactRef, Artifacts } from '../workload-ports';

/** One artifact at most; the table checks it as well. */
export const MAX_ARTIFACT_BYTES = 32 * 1024 * 1024;

interface MetaRow {
  readonly job_id: string;
  readonly kind: string;
  readonly index: number;
  readonly attempt_id: string;
  readonly content_type: string;
  readonly size_bytes: number;
  readonly at_ms: number;
}

const metaColumns =
  'job_id, kind, index, attempt_id, content_type, octet_length(bytes) AS size_bytes, at_ms';

export class PostgresArtifacts implements Artifacts {
  constructor(private readonly database: Database) {}

  /** Refuses more than `MAX_ARTIFACT_BYTES` with a RangeError. */
  async put(meta: Omit<ArtifactMeta, 'sizeBytes'>, bytes: Uint8Array): Promise<ArtifactMeta> {
    if (bytes.byteLength > MAX_ARTIFACT_BYTES)
      throw new RangeError(`an artifact has ${MAX_ARTIFACT_BYTES} bytes at most`);
    await this.database.rows(
      `INSERT INTO artifact (job_id, kind, index, attempt_id, content_type, bytes, at_ms)
       VALUES ($1, $2, $3, $4, $5, $6, $7)
       ON CONFLICT (job_id, kind, index) DO UPDATE SET attempt_id = excluded.attempt_id,
         content_type = excluded.content_type, bytes = excluded.bytes, at_ms = excluded.at_ms`,
      [
        meta.jobId,
        meta.kind,
        meta.index,
        meta.attemptId,
        meta.contentType,
        Buffer.from(bytes),
        meta.atMs,
      ],
    );
    return { ...meta, sizeBytes: bytes.byteLength };
  }

  async get(
    ref: ArtifactRef,
  ): Promise<{ readonly meta: ArtifactMeta; readonly bytes: Uint8Array } | null> {
    const row = await firstRow<MetaRow & { readonly bytes: Buffer }>(
      this.database,
      `SELECT ${metaColumns}, bytes FROM artifact WHERE job_id = $1 AND kind = $2 AND index = $3`,
      [ref.jobId, ref.kind, ref.index],
    );
    return row === null ? null : { meta: metaOf(row), bytes: row.bytes };
  }

  async list(jobId: JobId): Promise<readonly ArtifactMeta[]> {
    const rows = await this.database.rows<MetaRow>(
      `SELECT ${metaColumns} FROM artifact WHERE job_id = $1 ORDER BY kind DESC, index`,
      [jobId],
    );
    return rows.map(metaOf);
  }
}

function metaOf(row: MetaRow): ArtifactMeta {
  return {
    jobId: asJobId(row.job_id),
    kind: row.kind as ArtifactKind,
    index: row.index,
    attemptId: asAttemptId(row.attempt_id),
    contentType: row.content_type,
    sizeBytes: row.size_bytes,
    atMs: row.at_ms,
  };
}
