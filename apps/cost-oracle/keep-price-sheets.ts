import type { FieldProblem } from '#libs/contracts';
import type { PriceSheet, ProviderId } from '#libs/domain';
import type { AdapterRegistry } from '#libs/provider-kit';
import type { Doorbell } from '#libs/queue';
import type { Clock } from '#libs/runtime';
import type { Stores, StoredSheet } from '#libs/storage';

export type SheetStored =
  | { readonly kind: 'stored'; readonly stored: StoredSheet }
  | { readonly kind: 'refused'; readonly problems: readonly FieldProblem[] };

/** Keep price sheets, and have the offers of the providers that they name made anew. */
export class KeepPriceSheets {
  constructor(
    private readonly stores: Pick<Stores, 'priceSheets'>,
    private readonly adapters: AdapterRegistry,
    private readonly doorbell: Doorbell,
    private readonly clock: Clock,
  ) {}

  /** Stores or replaces a sheet. Refused when it names providers that are not in use here: each such row is a problem. */
  async put(sheet: PriceSheet, by: string): Promise<SheetStored> {
    const inUse = this.adapters.all().map(({ descriptor }) => descriptor.id);
    const problems = sheet.rows.flatMap(({ provider }, index) =>
      inUse.some((id) => id === provider) ? [] : [unknownProvider(index, provider, inUse)],
    );
    if (problems.length > 0) return { kind: 'refused', problems };
    const before = await this.stores.priceSheets.get(sheet.name);
    const stored = { sheet, uploadedAtMs: this.clock.nowMs(), uploadedBy: by };
    await this.stores.priceSheets.put(stored);
    this.refresh([sheet, ...(before === null ? [] : [before.sheet])]);
    return { kind: 'stored', stored };
  }

  /** False when there is no such sheet. */
  async remove(name: string): Promise<boolean> {
    const before = await this.stores.priceSheets.get(name);
    if (before === null || !(await this.stores.priceSheets.remove(name))) return false;
    this.refresh([before.sheet]);
    return true;
  }

  private refresh(sheets: readonly PriceSheet[]): void {
    const nowMs = this.clock.nowMs();
    const touched = new Set(sheets.flatMap(({ rows }) => rows.map(({ provider }) => provider)));
    const providers = this.adapters.all().filter(({ descriptor }) => touched.has(descriptor.id));
    for (const { descriptor } of providers)
      this.doorbell.ring({
        queue: 'refresh-offers',
        id: descriptor.id,
        providerId: null,
        atMs: nowMs,
        tag: `sheet-${nowMs}`,
      });
  }
}

function unknownProvider(
  index: number,
  provider: string,
  inUse: readonly ProviderId[],
): FieldProblem {
  return {
    pointer: `/rows/${index}/provider`,
    code: 'unknown-provider',
    message: `there is no provider ${JSON.stringify(provider)} in use`,
    remedy: `use ${inUse.join(', ')}`,
  };
}
