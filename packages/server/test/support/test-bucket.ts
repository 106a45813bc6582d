/**
 * A bucket of the S3 server that `scripts/services` started, made for one test, behind a proxy that a test closes, slows down or
 * makes lie.
 */
import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { systemRandom } from "@pericard/crypto";
import { toHex } from "@pericard/protocol";
import { createServer, request, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { BucketPlace } from "../../src/volumes/s3-bucket.ts";
import { readSecretFile, type Services } from "./services.ts";

/** What a proxy does with an answer: the HTTP status that the client gets, given the request and the true status. */
export type Lie = (asked: IncomingMessage, status: number) => number;

/** A proxy in front of the S3 server. */
export class BucketProxy {
  /** Requests are held while this is true. */
  isHung = false;
  lie: Lie = (_, status) => status;
  /** Requests that are answered with 204 and not passed on. */
  swallows: (asked: IncomingMessage) => boolean = () => false;
  readonly #target: URL;
  #server: Server | undefined;
  #port = 0;

  constructor(endpoint: string) {
    this.#target = new URL(endpoint);
  }

  get endpoint(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  async open(): Promise<void> {
    const server = createServer((asked, answer) => this.#pass(asked, answer));
    await new Promise<void>((resolve) => server.listen(this.#port, "127.0.0.1", resolve));
    this.#port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  /** Cuts every connection and refuses new ones. */
  async close(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (!server) return;
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }

  #pass(asked: IncomingMessage, answer: ServerResponse): void {
    if (this.isHung) return;
    if (this.swallows(asked)) {
      answer.writeHead(204).end();
      return;
    }
    const { hostname, port } = this.#target;
    const { method, url: path, headers } = asked;
    const passed = request({ hostname, port, method, path, headers, agent: false }, (told) => {
      const status = told.statusCode ?? 500;
      const shown = this.lie(asked, status);
      if (shown === status) {
        answer.writeHead(status, told.headers);
        told.pipe(answer);
      } else {
        told.resume();
        answer.writeHead(shown, { etag: '"0"', "content-length": 0 }).end();
      }
    });
    passed.on("error", () => answer.destroy());
    asked.pipe(passed);
  }
}

/** An empty bucket with its proxy. */
export interface TestBucket {
  readonly place: BucketPlace;
  readonly secret: string;
  readonly proxy: BucketProxy;
  /** The S3 server's own client, past the proxy. */
  get(name: string): Promise<Uint8Array>;
  put(name: string, bytes: Uint8Array): Promise<void>;
  names(): Promise<readonly string[]>;
  remove(): Promise<void>;
}

/** Makes a bucket. */
export async function createTestBucket({ radosgw }: Pick<Services, "radosgw">): Promise<TestBucket> {
  const { endpoint, region, accessKeyId, secretFile } = radosgw;
  const secret = readSecretFile(secretFile);
  const client = new S3Client({
    endpoint,
    region,
    forcePathStyle: true,
    credentials: { accessKeyId, secretAccessKey: secret },
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
  });
  const Bucket = `test-${toHex(systemRandom(8))}`;
  await client.send(new CreateBucketCommand({ Bucket }));
  const proxy = new BucketProxy(endpoint);
  await proxy.open();
  const names = async (): Promise<readonly string[]> => {
    const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket }));
    return Contents.map(({ Key = "" }) => Key);
  };
  return {
    place: { bucket: Bucket, endpoint: proxy.endpoint, region, accessKeyId },
    secret,
    proxy,
    names,
    get: async (Key) => {
      const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }));
      return (await Body?.transformToByteArray()) ?? new Uint8Array(0);
    },
    put: async (Key, Body) => void (await client.send(new PutObjectCommand({ Bucket, Key, Body }))),
    remove: async () => {
      await proxy.close();
      for (let left = await names(); left.length > 0; left = await names()) {
        await Promise.all(left.map((Key) => client.send(new DeleteObjectCommand({ Bucket, Key }))));
      }
      await client.send(new DeleteBucketCommand({ Bucket }));
      client.destroy();
    },
  };
}
