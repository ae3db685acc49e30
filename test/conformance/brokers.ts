import type { BrokerUnderTest } from './broker-under-test.js';
import { Mosquitto } from './brokers/mosquitto.js';
import { RawAedes } from './brokers/raw-aedes.js';
import { Selvage } from './brokers/selvage.js';
import type { Deviation } from './deviations/deviation.js';
import { mosquittoDeviations } from './deviations/mosquitto.js';
import { rawAedesDeviations } from './deviations/raw-aedes.js';
import { selvageDeviations } from './deviations/selvage.js';

/** A broker that the suite is run against, with what it is known to do otherwise. */
export interface Candidate {
  readonly broker: BrokerUnderTest;
  readonly deviations: readonly Deviation[];
}

/** The brokers that are run; no other file decides it. */
export const candidates: readonly Candidate[] = [
  { broker: new Selvage(), deviations: selvageDeviations },
  { broker: new Mosquitto(), deviations: mosquittoDeviations },
  { broker: new RawAedes(), deviations: rawAedesDeviations },
];
