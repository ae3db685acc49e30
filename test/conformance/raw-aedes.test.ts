import { RawAedes } from './brokers/raw-aedes.js';
import { rawAedesDeviations } from './deviations/raw-aedes.js';
import { conforms } from './suite.js';

conforms(new RawAedes(), rawAedesDeviations);
