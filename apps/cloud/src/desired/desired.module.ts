import { Global, Module } from '@nestjs/common';
import { Compiler } from './compiler.js';
import { Desired } from './desired.js';
import { DesiredRegistry } from './registry.js';

/** The floor that tells nodes what is wanted of them. */
@Global()
@Module({ providers: [Compiler, Desired, DesiredRegistry], exports: [Desired, DesiredRegistry] })
export class DesiredModule {}
