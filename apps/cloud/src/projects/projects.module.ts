import { Module, type OnModuleInit } from '@nestjs/common';
import { Database } from '../db/index.js';
import { RequestHooks } from '../http/index.js';
import { ProjectsController } from './projects.controller.js';
import { ProjectRow } from './projects.entity.js';
import { Projects1700000002000 } from './projects.migration.js';
import { Projects, type ProjectTenant } from './projects.service.js';

export const projectsSchema = { entities: [ProjectRow], migrations: [Projects1700000002000] };
export { Projects, type ProjectTenant };

@Module({ controllers: [ProjectsController], providers: [Projects], exports: [Projects] })
export class ProjectsModule implements OnModuleInit {
  constructor(
    private readonly db: Database,
    private readonly hooks: RequestHooks,
    private readonly projects: Projects,
  ) {}

  async onModuleInit(): Promise<void> {
    await this.projects.start();
    this.db.checkProjects((tx, name) => this.projects.mustBe(tx, name));
    this.hooks.checkProjects((name) => this.projects.mustExist(name));
  }
}
