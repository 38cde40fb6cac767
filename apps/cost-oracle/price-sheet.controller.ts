import { Controller, UseFilters } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import type { MessageReply, MessageRequest } from '#libs/contracts';
import { CodedErrorFilter } from '#libs/runtime/transport';
import { KeepPriceSheets } from './keep-price-sheets';

/** Changes of price sheets that somebody waits for. */
@Controller()
@UseFilters(CodedErrorFilter)
export class PriceSheetController {
  constructor(private readonly sheets: KeepPriceSheets) {}

  @MessagePattern('price-sheet.put')
  async put(
    @Payload() { sheet, by }: MessageRequest<'price-sheet.put'>,
  ): Promise<MessageReply<'price-sheet.put'>> {
    const answer = await this.sheets.put(sheet, by);
    return answer.kind === 'stored'
      ? { kind: 'stored', uploadedAtMs: answer.stored.uploadedAtMs }
      : { kind: 'refused', problems: [...answer.problems] };
  }

  @MessagePattern('price-sheet.remove')
  async remove(
    @Payload() { name }: MessageRequest<'price-sheet.remove'>,
  ): Promise<MessageReply<'price-sheet.remove'>> {
    return { removed: await this.sheets.remove(name) };
  }
}
