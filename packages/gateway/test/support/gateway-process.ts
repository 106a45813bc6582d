/** A gateway in a process of its own, to be killed: settings as JSON in the first argument, its address on standard output. */
import { startGateway, type GatewaySettings } from "@pericard/gateway";

const settings = JSON.parse(process.argv[2] ?? "") as GatewaySettings;
const { url, mqttUrl = "" } = await startGateway(settings, { log: { level: "silent" } });
process.stdout.write(`${url} ${mqttUrl}`.trim() + "\n");
