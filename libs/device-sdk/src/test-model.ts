import { defineModel } from './model.js';

export const lamp = defineModel({
  temperature: { type: 'float', access: 'r', unit: '°C', min: -40, max: 85 },
  level: { type: 'int', min: 0, max: 10 },
  on: { type: 'boolean' },
  mode: { type: 'string', enum: ['day', 'night'] },
  label: { type: 'string', maxLength: 8 },
});
