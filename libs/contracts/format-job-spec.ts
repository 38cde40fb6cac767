import type { HedgedStart, JobSpec } from '#libs/domain';
import type { JobSpecInput } from './job-spec';
import { formatAvailability } from './syntax/availability';
import { formatDuration } from './syntax/duration';
import { formatGpus } from './syntax/gpus';
import { formatMoney } from './syntax/money';
import { cpus, formatQuantity, formatRange, memory, storage } from './syntax/quantity';

/** A spec in the words in which people write one, complete: parsing it gives the same spec again. */
export function formatJobSpec(spec: JobSpec): JobSpecInput {
  const { resources, sla, budget } = spec;
  return {
    version: spec.version,
    name: spec.name,
    project: spec.project,
    labels: { ...spec.labels },
    ...given('costCentre', spec.costCentre),
    ...given('purchaseOrder', spec.purchaseOrder),
    image: spec.image,
    command: [...spec.command],
    env: { ...spec.env },
    secrets: { ...spec.secrets },
    ...given('workingDirectory', spec.workingDirectory),
    inputs: spec.inputs.map(({ path, uri, sizeGb, dataClass, location }) => ({
      path,
      uri,
      ...(/^data:/i.test(uri) ? {} : { size: formatQuantity(sizeGb, storage) }),
      dataClass,
      ...given('location', location ?? null),
    })),
    outputs: spec.outputs.map(({ path, sizeGb, dataClass, location }) => ({
      path,
      size: formatQuantity(sizeGb, storage),
      dataClass,
      ...given('location', location ?? null),
    })),
    resources: {
      gpus: formatGpus(resources.gpus),
      cpus: formatRange(resources.cpus, cpus),
      memory: formatRange(resources.memoryGib, memory),
      disk: formatQuantity(resources.diskGb, storage),
      interconnect: resources.interconnect,
    },
    workload: spec.workload,
    dataClass: spec.dataClass,
    compliance: [...spec.compliance],
    residency: [...spec.residency],
    confidential: spec.confidential,
    interruptible: spec.interruptible,
    ...given(
      'checkpoint',
      spec.checkpoint === null
        ? null
        : {
            path: spec.checkpoint.path,
            interval:
              spec.checkpoint.auto === true ? 'auto' : formatDuration(spec.checkpoint.intervalMs),
            size: formatQuantity(spec.checkpoint.sizeGb, storage),
          },
    ),
    sla: {
      ...given('deadline', sla.deadlineMs === null ? null : formatDuration(sla.deadlineMs)),
      queueTimeout: formatDuration(sla.queueTimeoutMs),
      maxDuration: formatDuration(sla.maxDurationMs),
      ...given(
        'availability',
        sla.availabilityBps === null ? null : formatAvailability(sla.availabilityBps),
      ),
      hedgedStart: hedgedStarts[sla.hedgedStart],
    },
    nodes: spec.nodes,
    ...given('replicas', spec.replicas === null ? null : { ...spec.replicas }),
    durationEstimate: formatDuration(spec.durationEstimateMs),
    budget: {
      ...given(
        'maxPricePerHour',
        budget.maxPricePerHour === null ? null : formatMoney(budget.maxPricePerHour),
      ),
      ...given('maxCost', budget.maxCost === null ? null : formatMoney(budget.maxCost)),
    },
    priority: spec.priority,
    retry: { on: [...spec.retry.on], limit: spec.retry.limit },
    infra: { include: [...spec.infra.include], exclude: [...spec.infra.exclude] },
  };
}

const hedgedStarts: { readonly [H in HedgedStart]: boolean | 'auto' } = {
  never: false,
  auto: 'auto',
  always: true,
};

/** An absent wish is left out, as people leave it out. */
function given<Name extends string, Value>(
  name: Name,
  value: Value | null,
): { [N in Name]?: Value } {
  return value === null ? {} : ({ [name]: value } as { [N in Name]: Value });
}
