/** The behaviour of an installation on engines: buckets, RabbitMQ with a worker, PostgreSQL. */
import { startOnEngines } from "../support/engine-installation.ts";
import { describeServices } from "../support/services.ts";
import { describesBehaviour } from "./behaviour.ts";

describeServices(["postgresql", "rabbitmq", "radosgw"], "on engines", (services) => {
  describesBehaviour(() => startOnEngines(services));
});
