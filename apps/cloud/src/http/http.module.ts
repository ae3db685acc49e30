import { Global, Module } from '@nestjs/common';
import { systemClock } from '@selvage/reconcile';
import { Access } from './access.js';
import { LiveController } from './live.controller.js';
import { LiveFeed } from './live-feed.js';
import { Metrics } from './metrics.js';
import { OpenStreams } from './open-streams.js';
import { RateLimit } from './rate-limit.js';
import { AuthRegistry, RequestHooks } from './registries.js';

const streams = { provide: OpenStreams, useFactory: () => new OpenStreams(systemClock) };

/** The floor that requests come in through. */
@Global()
@Module({
  controllers: [LiveController],
  providers: [Access, AuthRegistry, LiveFeed, Metrics, streams, RateLimit, RequestHooks],
  exports: [Access, AuthRegistry, LiveFeed, Metrics, OpenStreams, RateLimit, RequestHooks],
})
export class HttpModule {}
