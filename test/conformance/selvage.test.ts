import { Selvage } from './brokers/selvage.js';
import { selvageDeviations } from './deviations/selvage.js';
import { conforms } from './suite.js';

conforms(new Selvage(), selvageDeviations);
