import { Controller, Get, Header, Param } from '@nestjs/common';
import { openApiDocument, problem, problemCodes, type Problem } from '#libs/contracts';
import { docsPage } from './docs-page';
import { found } from './refusal';
import { GatewaySettings } from './settings';

/** The API about itself. Health and figures are served by every process alike, see the runtime. */
@Controller()
export class RouterController {
  private description: object | null = null;

  constructor(private readonly settings: GatewaySettings) {}

  @Get('openapi.json')
  openapi(): object {
    this.description ??= openApiDocument(this.settings.version);
    return this.description;
  }

  @Get('docs')
  @Header('content-type', 'text/html; charset=utf-8')
  docs(): string {
    return docsPage(this.settings.version);
  }

  @Get('problems/:code')
  problem(@Param('code') text: string): Problem {
    return problem(
      found(
        problemCodes.find((code) => code === text),
        'problem',
      ),
    );
  }
}
