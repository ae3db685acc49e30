#!/usr/bin/env node
import { setFlagsFromString } from 'node:v8';

// A device has little memory, and this program mostly waits: a small young generation, and machine code for what is really hot only.
setFlagsFromString('--semi-space-growth-factor=1');
setFlagsFromString('--interrupt-budget=1000000');
await import('../dist/main.js');
