import { Global, Module } from '@nestjs/common';
import { LiveController } from './live.controller.js';
import { LiveFeed } from './live-feed.js';
import { Metrics } from './metrics.js';
import { RateLimit } from './rate-limit.js';
import { AuthRegistry, RequestHooks } from './registries.js';

/** The floor that requests come in through. */
@Global()
@Module({
  controllers: [LiveController],
  providers: [AuthRegistry, LiveFeed, Metrics, RateLimit, RequestHooks],
  exports: [AuthRegistry, LiveFeed, Metrics, RateLimit, RequestHooks],
})
export class HttpModule {}
