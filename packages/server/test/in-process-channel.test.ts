/** Channels within the process keep the rules of every channel. */
import { openInProcessChannel } from "../src/channels/in-process-channel.ts";
import { describeChannelContract } from "./channel-contract.ts";
import { FakeVolume } from "./support/fake-volume.ts";

describeChannelContract("within the process", async () => {
  const volume = new FakeVolume("v");
  return { volume, channel: openInProcessChannel(volume) };
});
