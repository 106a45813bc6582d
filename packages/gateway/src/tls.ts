/** TLS as a gateway speaks it. Source: RFC 8446; docs/operating/gateway.md. */
import type { SecureContextOptions, TlsOptions } from "node:tls";
import type { TlsClientConfig, TlsConfig } from "./config.ts";

/**
 * Options of a listening side. A client without certificate gets in and needs a token; a certificate that the client CA has
 * not signed is worth nothing.
 */
export function tlsOptions({ cert, key, clientCa }: TlsConfig): TlsOptions {
  const asking = clientCa === undefined ? {} : { ca: clientCa, requestCert: true, rejectUnauthorized: false };
  return { cert, key, minVersion: "TLSv1.2", ...asking };
}

/** Options of a connecting side. The other side's certificate is always verified. */
export function tlsClientOptions({ ca, cert, key }: TlsClientConfig): SecureContextOptions {
  return {
    minVersion: "TLSv1.2",
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined || key === undefined ? {} : { cert, key }),
  };
}
