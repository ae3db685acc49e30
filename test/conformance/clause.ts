import type { Capabilities } from './broker-under-test.js';
import type { Scene } from './scene.js';

/** One statement of the standard that a broker can break, as a test. */
export interface Clause {
  /** Number of the normative statement (`MQTT-3.3.1-9`), or the section when the statement has no number. */
  readonly clause: string;
  /** What the broker does, unique in the suite: the table of deviations refers to it. */
  readonly title: string;
  readonly needs?: keyof Capabilities;
  /** Rejects with an error that says what the broker did instead. */
  readonly run: (scene: Scene) => Promise<void>;
}
