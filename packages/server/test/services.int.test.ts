/** The engines that `scripts/services` starts answer at the places that it names, with the secrets that it drew. */
import { HeadBucketCommand, ListBucketsCommand, S3Client } from "@aws-sdk/client-s3";
import { Client } from "pg";
import { Connection } from "rabbitmq-client";
import { expect, test } from "vitest";
import { describeServices, readSecretFile } from "./support/services.ts";

describeServices(["postgresql"], "postgresql", ({ postgresql }) => {
  test("answers, keeps page checksums and syncs", async () => {
    const { host, port, user, database, passwordFile } = postgresql;
    const client = new Client({ host, port, user, database, password: readSecretFile(passwordFile) });
    await client.connect();
    const { rows } = await client.query(
      "SELECT current_setting('fsync') AS fsync, current_setting('data_checksums') AS sums",
    );
    expect(rows).toEqual([{ fsync: "on", sums: "on" }]);
    await client.end();
    await expect(new Client({ host, port, user, database, password: "wrong" }).connect()).rejects.toMatchObject({
      code: "28P01",
    });
  });
});

describeServices(["rabbitmq"], "rabbitmq", ({ rabbitmq }) => {
  test("takes a message into a quorum queue", async () => {
    const { host: hostname, port, user: username, passwordFile } = rabbitmq;
    const connection = new Connection({ hostname, port, username, password: readSecretFile(passwordFile) });
    const publisher = connection.createPublisher({ confirm: true });
    await connection.queueDeclare({
      queue: "pericard-test-services",
      durable: true,
      arguments: { "x-queue-type": "quorum" },
    });
    await publisher.send("pericard-test-services", Buffer.from("one"));
    const { messageCount } = await connection.queueDelete({ queue: "pericard-test-services" });
    expect(messageCount).toBe(1);
    await publisher.close();
    await connection.close();
  });
});

describeServices(["radosgw"], "radosgw", ({ radosgw }) => {
  test("knows its user and no other", async () => {
    const { endpoint, region, accessKeyId, secretFile } = radosgw;
    const clientOf = (secretAccessKey: string): S3Client =>
      new S3Client({ endpoint, region, forcePathStyle: true, credentials: { accessKeyId, secretAccessKey } });
    const client = clientOf(readSecretFile(secretFile));
    expect((await client.send(new ListBucketsCommand({}))).$metadata.httpStatusCode).toBe(200);
    const refused = clientOf("wrong").send(new HeadBucketCommand({ Bucket: "none" }));
    await expect(refused).rejects.toMatchObject({ $metadata: { httpStatusCode: 403 } });
    client.destroy();
  });
});
