// fleet - agents in one program, which may be killed and started again as the same fleet
//
// Each notes the samples that it takes in a report; compare() holds the hub's store
// against it.
import assert from 'node:assert/strict';
import { mkdirSync, statSync } from 'node:fs';

import { patience, program, run, slow, until } from './env.mjs';

export class Fleet {
  // onDisk: they keep state and spool over a restart. env: more of the environment.
  constructor(scene, link, { wrapper = [], interval = 1, count = 10, onDisk = true, env } = {}) {
    Object.assign(this, { scene, link, wrapper, interval, count, env });
    this.report = scene.file('report');
    this.folders = onDisk ? ['--state', scene.file('fleet-state'), '--spool-dir', scene.file('fleet-spool')] : [];
    if (onDisk) for (const folder of ['state', 'spool']) mkdirSync(scene.file(`fleet-${folder}`), { recursive: true });
  }

  start() {
    this.reported = this.reportSize();
    this.proc = this.scene.start(program('test/fleet'), [
      '--hub', this.link, '--agents', String(this.count), '--interval', String(this.interval), '--seconds', '86400',
      ...this.folders, '--report', this.report, '--grace', String(120 * slow), '--backoff-max', '2', '--json',
      ...(this.bootId ? ['--boot-id', this.bootId] : []),
    ], { wrapper: this.wrapper, env: this.env });
  }

  reportSize() {
    return statSync(this.report, { throwIfNoEntry: false })?.size ?? 0;
  }

  // It takes samples, and knows by now what signals mean.
  async started() {
    await until(() => this.reportSize() > this.reported, patience, 'the fleet takes samples');
  }

  async kill() {
    await this.scene.kill(this.proc);
  }

  async cut() {
    await this.started();
    this.proc.child.kill('SIGUSR1');
  }

  // Takes no more, waits until all is acknowledged, and tells the figures.
  async end() {
    await this.started();
    this.proc.child.kill('SIGTERM');
    const code = await this.proc.ended;
    this.scene.drop(this.proc);
    this.proc.checkReports();
    assert.equal(code, 0, `the fleet ended with ${code}: ${this.proc.stdout}${this.proc.stderr.slice(-2000)}`);
    const figures = JSON.parse(this.proc.stdout);
    assert.equal(figures.lost, 0);
    return figures;
  }

  // Ends the hub, for what it made durable is all there is: the store must hold each
  // sample once. hint is told with a fault.
  async compare(hint = '') {
    const { hub, data } = this.scene;
    await hub.stop();
    this.scene.drop(hub);
    const { stdout } = await run(program('test/fleet_check'), ['--data', data, '--report', this.report], { ok: 'any', ms: 300_000 });
    assert.match(stdout, / 0 faults\n$/, `${hint}\n${stdout}`);
    const [, count] = / (\d+) values in the store/.exec(stdout);
    assert.ok(Number(count) > 0);
  }
}
