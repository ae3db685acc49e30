import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Database } from '../db/index.js';
import { AppRow } from './apps.entity.js';
import { desiredApp } from './apps.rules.js';
import { KeptByProject } from './kept.js';
import { whereOf } from './placement.rules.js';
import { ProjectApps } from './project-apps.js';

/** The apps of projects, read once and kept until one of them is written: thousands of nodes ask for them at a time. */
@Injectable()
export class PlacedApps {
  private readonly kept = new KeptByProject((project) => this.load(project));

  constructor(private readonly db: Database) {}

  of(project: string): Promise<ProjectApps> {
    return this.kept.of(project);
  }

  /** An app of the project was written. Whoever got the apps while that went on is to ask again. */
  forget(project: string): void {
    this.kept.forget(project);
  }

  /** Reads them now, in a transaction for instance. */
  async load(project: string, from: EntityManager = this.db.read): Promise<ProjectApps> {
    const rows = await from.find(AppRow, { where: { project }, order: { name: 'ASC' } });
    return new ProjectApps(
      rows.map((row) => ({ desired: desiredApp(row, row.spec), where: whereOf(row.spec.placement), size: row.size })),
    );
  }
}
