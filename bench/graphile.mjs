// SPDX-License-Identifier: MIT
// graphile-worker in its batched mode, as its own pages on performance set it up, for `script/bench B3`. Prints how many jobs,
// and the milliseconds from the first insert until no job is left in its table. Its processes are up and wait before that.
//
//   node graphile.mjs URL JOBS PROCESSES
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { makeWorkerUtils, run } from "graphile-worker";

const [url, count, processes, part] = process.argv.slice(2);
const jobs = Number(count), AT_ONCE = 10000;

async function work() {
  const runner = await run({
    preset: {
      worker: {
        connectionString: url, concurrentJobs: 24, maxPoolSize: 24, localQueue: { size: 500 }, completeJobBatchDelay: 0,
        failJobBatchDelay: 0,
      },
    },
    taskList: { noop: () => {} },
    noHandleSignals: true,
  });
  process.on("message", () => runner.stop().finally(() => process.exit(0)));
  process.on("disconnect", () => process.exit(1));
  process.send("ready");
}

function started() {
  return new Promise((resolve, reject) => {
    const worker = fork(fileURLToPath(import.meta.url), [url, count, processes, "work"], { stdio: ["ignore", "ignore", "inherit", "ipc"] });
    worker.once("message", () => resolve(worker));
    worker.once("exit", () => reject(new Error("a process of graphile-worker ended")));
  });
}

async function measure() {
  const utils = await makeWorkerUtils({ connectionString: url, maxPoolSize: 2 });
  await utils.migrate();
  const workers = await Promise.all(Array.from({ length: Number(processes) }, started));
  const began = process.hrtime.bigint();
  for (let sent = 0; sent < jobs; sent += AT_ONCE) {
    await utils.addJobs(Array.from({ length: Math.min(AT_ONCE, jobs - sent) }, (_, i) => ({ identifier: "noop", payload: { id: sent + i } })));
  }
  const left = () => utils.withPgClient((client) => client.query("SELECT 1 FROM graphile_worker._private_jobs LIMIT 1"));
  while ((await left()).rowCount) await new Promise((resolve) => setTimeout(resolve, 5));
  console.log(jobs, Number(process.hrtime.bigint() - began) / 1e6);
  await Promise.all(workers.map((worker) => new Promise((resolve) => {
    worker.removeAllListeners("exit").once("exit", resolve);
    worker.send("stop");
  })));
  await utils.release();
}

await (part ? work() : measure());
