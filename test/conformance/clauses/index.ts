import type { Clause } from '../clause.js';
import { clientIds } from './client-id.js';
import { connecting } from './connect.js';
import { disconnecting } from './disconnect.js';
import { keepalive } from './keepalive.js';
import { malformed } from './malformed.js';
import { mqtt31 } from './mqtt31.js';
import { ordering } from './ordering.js';
import { ping } from './ping.js';
import { publishing } from './publish.js';
import { qos1 } from './qos1.js';
import { qos2 } from './qos2.js';
import { restarts } from './restart.js';
import { retaining } from './retain.js';
import { sessions } from './session.js';
import { subscribing } from './subscribe.js';
import { topics } from './topics.js';
import { unsubscribing } from './unsubscribe.js';
import { utf8 } from './utf8.js';
import { webSockets } from './websocket.js';
import { wills } from './will.js';

/** Every clause of the suite. */
export const clauses: readonly Clause[] = [
  ...connecting,
  ...clientIds,
  ...keepalive,
  ...disconnecting,
  ...ping,
  ...publishing,
  ...qos1,
  ...qos2,
  ...retaining,
  ...subscribing,
  ...unsubscribing,
  ...topics,
  ...utf8,
  ...malformed,
  ...wills,
  ...sessions,
  ...ordering,
  ...mqtt31,
  ...webSockets,
  ...restarts,
];
