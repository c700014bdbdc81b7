/**
 * A Slurm on this machine's loopback, for tests: munged, slurmctld and slurmd as root, all they write in
 * one folder. `deno run … tests/slurm/cluster.ts start FOLDER`, and `stop FOLDER`.
 *
 * Debian and Ubuntu: `apt-get install slurm-wlm munge`, and `slurmdbd mariadb-server` for accounts.
 */
import { join, resolve } from "node:path";

/** The programs that must be installed. */
const PROGRAMS = ["munged", "slurmctld", "slurmd", "sbatch", "squeue", "scontrol", "scancel"];

/** Those that keep accounts. */
const OF_ACCOUNTS = ["slurmdbd", "sacct", "mariadbd", "mariadb-install-db"];

/** The port of the first node's daemon. */
const FIRST_PORT = 16818;

const ACCOUNTS_PORT = 16816;

/** One that fails leaves another. */
const TWO_NODES = ["one", "two"];
const RECURSIVE = { recursive: true };

/** A cluster that runs. */
export interface Cluster {
  readonly folder: string;
  /** The variables by which Slurm's commands find it. */
  readonly environment: Readonly<Record<string, string>>;
  readonly host: string;
  /** The names of its nodes. */
  readonly nodes: readonly string[];
}

/** How a cluster is made up. */
export interface ClusterOptions {
  /** The names of its nodes; they share this machine's cores and memory evenly. */
  readonly nodes?: readonly string[];
  /** Keeps accounts of jobs, for `sacct`, and lets `squeue` forget them soon after their end. */
  readonly accounts?: boolean;
}

/** Why no cluster can be started here; null when one can. */
export async function whyNoCluster({ accounts = false }: ClusterOptions = {}) {
  const needed = accounts ? [...PROGRAMS, ...OF_ACCOUNTS] : PROGRAMS;
  const missing = needed.filter((name) => !isInstalled(name));
  if (missing.length > 0) return `${missing.join(", ")} not installed`;
  if (await output("id", ["-u"]) !== "0") return "it takes root to start slurmd";
  return null;
}

/** Starts the daemons and waits until the nodes are idle. */
export async function startCluster(
  given: string,
  { nodes = TWO_NODES, accounts = false }: ClusterOptions = {},
): Promise<Cluster> {
  const folder = resolve(given);
  const left = await output("pgrep", ["-r", "D,R,S,T", "-x", "slurmctld|slurmd"]).catch(() => "");
  if (left !== "") throw new Error(`A Slurm is on this machine already: ${left.split("\n")}.`);
  await Deno.mkdir(join(folder, "state"), RECURSIVE);
  const cluster = clusterIn(folder, await output("hostname", ["-s"]), nodes);
  for (const node of cluster.nodes) await Deno.mkdir(join(folder, "spool", node), RECURSIVE);
  const settings = [await configuration(cluster), ...(accounts ? ACCOUNTED : [])];
  await Deno.writeTextFile(cluster.environment.SLURM_CONF, settings.join("\n"));
  if (!await answers("munge", ["-n"])) await startMunge(folder);
  if (accounts) await startAccounts(cluster);
  await daemon(cluster, "slurmctld", []);
  for (const node of cluster.nodes) await startNode(cluster, node);
  return cluster;
}

/** Starts a node's daemon and waits until the node takes jobs. */
export async function startNode(cluster: Cluster, node: string): Promise<void> {
  await daemon(cluster, "slurmd", ["-N", node]);
  for (let tries = 0; tries < 150; tries++) {
    const state = await slurm(cluster, "sinfo", ["-h", "-n", node, "-p", "main", "-o", "%T"])
      .catch(() => "");
    if (/^(idle|mixed|allocated)$/.test(state)) return;
    if (/down|drain/.test(state)) {
      await slurm(cluster, "scontrol", ["update", `NodeName=${node}`, "State=RESUME"])
        .catch(() => "");
    }
    await pause(200);
  }
  throw new Error(`Node ${node} does not come up; see ${cluster.folder}.`);
}

/**
 * Ends a node's daemon, Slurm's own watchers of its jobs, and the processes of these, as when its power
 * goes: all are halted before one is killed, so that none tells Slurm, or its pipeline, of another's end.
 */
export async function killNode(cluster: Cluster, node: string): Promise<void> {
  const jobs = await slurm(cluster, "squeue", ["-h", "-w", node, "-o", "%A"]).catch(() => "");
  const daemon = await pidIn(join(cluster.folder, `slurmd-${node}.pid`));
  const pids = [daemon, ...await processesOf(jobs.split(/\s+/).filter((id) => id !== ""))];
  for (const signal of ["SIGSTOP", "SIGKILL"] as const) {
    for (const pid of pids) kill(pid, signal);
  }
}

/** Ends what `startCluster` started. */
export async function stopCluster(cluster: Cluster): Promise<void> {
  await slurm(cluster, "scancel", ["--state=PENDING"]).catch(() => "");
  for (const node of cluster.nodes) await killNode(cluster, node);
  for (const name of ["slurmctld", "slurmdbd", "mariadbd", "munged"]) {
    kill(await pidIn(join(cluster.folder, `${name}.pid`)), "SIGKILL");
  }
}

/** Calls one of Slurm's commands; throws with its words when it fails. */
export async function slurm(cluster: Cluster, name: string, args: readonly string[]) {
  return await output(name, args, cluster.environment);
}

function clusterIn(folder: string, host: string, nodes: readonly string[]): Cluster {
  const environment = { SLURM_CONF: join(folder, "slurm.conf") };
  return { folder, host, nodes, environment };
}

async function configuration({ folder, host, nodes }: Cluster): Promise<string> {
  const cores = Math.ceil(navigator.hardwareConcurrency / nodes.length);
  const memory = /RealMemory=(\d+)/.exec(await output("slurmd", ["-C"]))![1];
  const share = Math.floor(Number(memory) / nodes.length);
  const settings = {
    ClusterName: "ballast",
    SlurmctldHost: `${host}(127.0.0.1)`,
    SlurmUser: "root",
    SlurmdUser: "root",
    AuthType: "auth/munge",
    CryptoType: "crypto/munge",
    MpiDefault: "none",
    ProctrackType: "proctrack/linuxproc",
    TaskPlugin: "task/none",
    SelectType: "select/cons_tres",
    SelectTypeParameters: "CR_Core_Memory",
    SchedulerType: "sched/backfill",
    SchedulerParameters: "batch_sched_delay=0,sched_interval=1,bf_interval=1",
    JobCompType: "jobcomp/filetxt",
    JobCompLoc: join(folder, "jobcomp.log"),
    ReturnToService: 2,
    SlurmdTimeout: 30, // a busy machine misses pings; tests say themselves that a node is down
    KillWait: 5,
    StateSaveLocation: join(folder, "state"),
    SlurmdSpoolDir: join(folder, "spool", "%n"),
    SlurmctldPidFile: join(folder, "slurmctld.pid"),
    SlurmdPidFile: join(folder, "slurmd-%n.pid"),
    SlurmctldLogFile: join(folder, "slurmctld.log"),
    SlurmdLogFile: join(folder, "slurmd-%n.log"),
    SlurmctldPort: 16817,
    CommunicationParameters: "NoCtldInAddrAny,NoInAddrAny",
  };
  return [
    ...Object.entries(settings).map(([name, value]) => `${name}=${value}`),
    ...nodes.map((node, i) =>
      `NodeName=${node} NodeHostname=${host} NodeAddr=127.0.0.1 Port=${FIRST_PORT + i} ` +
      `CPUs=${cores} RealMemory=${share} State=UNKNOWN`
    ),
    "PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP OverSubscribe=NO",
    "PartitionName=other Nodes=ALL MaxTime=INFINITE State=UP OverSubscribe=NO",
    "",
  ].join("\n");
}

async function startMunge(folder: string): Promise<void> {
  await Deno.mkdir("/run/munge", { recursive: true });
  const places = [`--pid-file=${join(folder, "munged.pid")}`, `--log-file=${folder}/munged.log`];
  const seed = `--seed-file=${folder}/munged.seed`;
  await output("munged", ["--force", ...places, seed]);
}

/** What a cluster with accounts is set to. */
const ACCOUNTED = [
  "AccountingStorageType=accounting_storage/slurmdbd",
  "AccountingStorageHost=127.0.0.1",
  `AccountingStoragePort=${ACCOUNTS_PORT}`,
  "MinJobAge=2",
  "",
];

/** Starts a database on a socket in the folder, and Slurm's daemon that keeps accounts in it. */
async function startAccounts(cluster: Cluster): Promise<void> {
  const { folder } = cluster;
  const socket = join(folder, "mariadbd.sock");
  const place = ["--no-defaults", "--user=root", `--datadir=${join(folder, "mariadb")}`];
  await output("mariadb-install-db", [...place, "--auth-root-authentication-method=normal"]);
  const words = [`--socket=${socket}`, "--skip-networking", `--pid-file=${folder}/mariadbd.pid`];
  await output("sh", [
    "-c",
    `setsid mariadbd "$@" > "${folder}/mariadbd.log" 2>&1 < /dev/null &`,
    ...["sh", ...place, ...words],
  ]);
  const settings = {
    ...{ AuthType: "auth/munge", DbdHost: "localhost", DbdAddr: "127.0.0.1", SlurmUser: "root" },
    ...{ DbdPort: ACCOUNTS_PORT, StorageType: "accounting_storage/mysql" },
    ...{ StorageHost: "localhost", StorageUser: "root", StorageLoc: "accounts" },
    LogFile: join(folder, "slurmdbd.log"),
    PidFile: join(folder, "slurmdbd.pid"),
  };
  const lines = Object.entries(settings).map(([name, value]) => `${name}=${value}\n`);
  await Deno.writeTextFile(join(folder, "slurmdbd.conf"), lines.join(""), { mode: 0o600 });
  const environment = { ...cluster.environment, MYSQL_UNIX_PORT: socket };
  await until("the database answers", () => answers("test", ["-S", socket]));
  await daemon({ ...cluster, environment }, "slurmdbd", []);
  await until("sacctmgr answers", () => answers("sacctmgr", ["-n", "list", "cluster"], cluster));
}

async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 150; tries++) {
    if (await isSo()) return;
    await pause(200);
  }
  throw new Error(`Waited in vain until ${what}.`);
}

async function daemon({ environment }: Cluster, name: string, args: readonly string[]) {
  const { success } = await new Deno.Command(name, {
    args: [...args],
    env: environment,
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).output();
  if (!success) throw new Error(`${name} does not start.`);
}

/** Slurm's watchers of some jobs, by their titles, and what they started, by a variable that it has. */
async function processesOf(jobs: readonly string[]): Promise<number[]> {
  if (jobs.length === 0) return [];
  // Deno itself may not read these files of other processes; grep may.
  const ids = jobs.join("|");
  const found = await output("sh", [
    "-c",
    `grep -lszE '^slurmstepd: \\[(${ids})\\.' /proc/[0-9]*/cmdline
     grep -lszxE 'SLURM_JOB_ID=(${ids})' /proc/[0-9]*/environ; true`,
  ]);
  return [...found.matchAll(/^\/proc\/(\d+)\//gm)].map(([, pid]) => Number(pid));
}

async function pidIn(file: string): Promise<number> {
  return Number(await Deno.readTextFile(file).catch(() => "0"));
}

function kill(pid: number, signal: Deno.Signal): void {
  if (!(pid > 0)) return;
  try {
    Deno.kill(pid, signal);
  } catch {
    // It has ended.
  }
}

async function answers(name: string, args: readonly string[], cluster?: Cluster) {
  return await output(name, args, cluster?.environment).then(() => true, () => false);
}

async function output(
  name: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(name, {
    args: [...args],
    env: { ...env },
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  if (!success) throw new Error(`${name} ${args.join(" ")}: ${decoder.decode(stderr).trim()}`);
  return decoder.decode(stdout).trim();
}

function isInstalled(name: string): boolean {
  const folders = [...(Deno.env.get("PATH") ?? "").split(":"), "/usr/sbin", "/sbin"];
  return folders.some((folder) => {
    try {
      return Deno.statSync(join(folder, name)).isFile;
    } catch {
      return false;
    }
  });
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

if (import.meta.main) {
  const [action, folder] = Deno.args;
  if (action === "start") {
    const { environment } = await startCluster(folder);
    for (const [name, value] of Object.entries(environment)) {
      await Deno.stdout.write(new TextEncoder().encode(`export ${name}=${value}\n`));
    }
  } else if (action === "stop") {
    await stopCluster(clusterIn(resolve(folder), await output("hostname", ["-s"]), TWO_NODES));
  } else throw new TypeError("Expected start FOLDER or stop FOLDER.");
}
