/** A bucket `lab` in the folder that is named, served until the process is ended; prints its port. */
import S3rver from "s3rver";

const server = new S3rver({
  ...{ address: "127.0.0.1", port: 0, silent: true, directory: Deno.args[0] },
  configureBuckets: [{ name: "lab", configs: [] }],
});
const { port } = await server.run() as { port: number };
await Deno.stdout.write(new TextEncoder().encode(`${port}\n`));
