/** Topic patterns with wildcards. Source: MQTT 3.1.1 §4.7. */

/** Whether a text is a pattern: `+` stands alone in its level, `#` alone in the last one. */
export function isTopicPattern(text: string): boolean {
  const levels = text.split("/");
  return (
    text.length > 0 &&
    text.length <= 256 &&
    !text.includes("\u0000") &&
    levels.every((level, i) => {
      if (level.includes("#")) return level === "#" && i === levels.length - 1;
      return !level.includes("+") || level === "+";
    })
  );
}

/** Whether a topic is one of a pattern's. */
export function matchesTopic(pattern: string, topic: string): boolean {
  const [wanted, levels] = [pattern.split("/"), topic.split("/")];
  // [MQTT-4.7.2-1]: a wildcard in the first level does not match what brokers keep for themselves.
  if (topic.startsWith("$") && !pattern.startsWith("$")) return false;
  for (const [i, level] of wanted.entries()) {
    if (level === "#") return true;
    if (i >= levels.length || (level !== "+" && level !== levels[i])) return false;
  }
  return wanted.length === levels.length;
}
