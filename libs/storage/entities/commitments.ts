import { EntitySchema } from 'typeorm';
import { columns, named, nullable } from './columns';

/** A reservation or prepaid contract, with what has been booked on it. */
const commitmentEntity = new EntitySchema({
  name: 'commitment',
  columns: {
    name: columns.id,
    providerId: named('provider_id', columns.text),
    region: nullable(columns.text),
    instanceType: named('instance_type', nullable(columns.text)),
    gpuModel: named('gpu_model', nullable(columns.text)),
    quantity: columns.json,
    fromMs: named('from_ms', columns.bigint),
    untilMs: named('until_ms', columns.bigint),
    usedMs: named('used_ms', columns.bigint),
    usedListCost: named('used_list_cost', columns.bigint),
    updatedAtMs: named('updated_at_ms', columns.bigint),
  },
});

/** Predicted beside realised for one `provider/market`, as faded sums. */
const calibrationEntity = new EntitySchema({
  name: 'calibration',
  columns: { key: columns.id, state: columns.json },
});

export const commitmentEntities = [commitmentEntity, calibrationEntity];
