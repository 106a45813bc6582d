/**
 * Tenants and patients, and the keys of both.
 *
 * Source: docs/keys.md; docs/format.md §4.4.
 */
import { openBlob, sealBlob } from "@pericard/crypto";
import { PatientId, TenantId, utf8 } from "@pericard/protocol";
import type { Patient, Tenant } from "./entities.ts";
import { CustodyError } from "./errors.ts";
import { drawPaperKey } from "./paper-key.ts";
import { blobColumn, integerColumn, textColumn } from "./rows.ts";
import { commit, KEY_BYTES, selectRows, type ReadContext, type StoreContext } from "./store-context.ts";

export function addTenant(context: StoreContext, name: string, synthetic: boolean, nowUnixMs: number): Tenant {
  const { kek, random } = context;
  const id = TenantId.fromBytes(random(16));
  const key = random(KEY_BYTES);
  const sealedKey = kek.seal(["tenant", TenantId.toBytes(id)], key);
  const insertPaperKey = drawPaperKey(context, { id, synthetic }, key);
  commit(context, (database) => {
    database.run("INSERT INTO tenants VALUES (?, ?, ?, ?, ?)", id, name, synthetic ? 1 : 0, sealedKey, nowUnixMs);
    insertPaperKey(database);
  });
  return { id, name, synthetic };
}

export function tenants(context: StoreContext): readonly Tenant[] {
  return selectRows(context, "SELECT * FROM tenants ORDER BY created_at_ms, id").map((row) => ({
    id: TenantId.parse(textColumn(row, "id")),
    name: textColumn(row, "name"),
    synthetic: integerColumn(row, "synthetic") === 1,
  }));
}

/** A tenant's key, 32 bytes. */
export function tenantKey(context: ReadContext, tenant: TenantId): Uint8Array {
  const [row] = selectRows(context, "SELECT sealed_key FROM tenants WHERE id = ?", tenant);
  if (!row) throw new CustodyError("ERR_KEYSTORE_DAMAGED", "tenant of a row is unknown");
  return context.kek.open(["tenant", TenantId.toBytes(tenant)], blobColumn(row, "sealed_key"));
}

/** undefined for a patient who is not of the tenant, or was erased. */
function findPatientKey(context: ReadContext, tenant: TenantId, patient: PatientId): Uint8Array | undefined {
  const [row] = selectRows(context, "SELECT sealed_key FROM patients WHERE id = ? AND tenant = ?", patient, tenant);
  const sealed = row && blobColumn(row, "sealed_key");
  if (!sealed || sealed.length === 0) return undefined;
  return openBlob(tenantKey(context, tenant), ["patient", PatientId.toBytes(patient)], sealed);
}

/**
 * Key that a recording's data key is wrapped under: the patient's, or for nobody's recordings the tenant's.
 *
 * @throws {CustodyError} ERR_PATIENT_UNKNOWN when the patient is not of the tenant, or was erased.
 */
export function holderKey(context: ReadContext, tenant: TenantId, patient: PatientId | null): Uint8Array {
  const key = findHolderKey(context, tenant, patient);
  if (key) return key;
  throw new CustodyError("ERR_PATIENT_UNKNOWN", "patient is not of this tenant");
}

/** As {@link holderKey}; undefined when the patient is not of the tenant, or was erased. */
export function findHolderKey(
  context: ReadContext,
  tenant: TenantId,
  patient: PatientId | null,
): Uint8Array | undefined {
  return patient === null ? tenantKey(context, tenant) : findPatientKey(context, tenant, patient);
}

export function addPatient(context: StoreContext, tenant: TenantId, name: string, nowUnixMs: number): Patient {
  const { random } = context;
  const id = PatientId.fromBytes(random(16));
  const key = random(KEY_BYTES);
  const sealedKey = sealBlob(tenantKey(context, tenant), ["patient", PatientId.toBytes(id)], key, random);
  const sealedName = sealBlob(key, ["patient-name", PatientId.toBytes(id)], utf8(name), random);
  commit(context, (database) => {
    if (patients({ ...context, database }, tenant).some((patient) => patient.name === name)) {
      throw new CustodyError("ERR_PATIENT_EXISTS", "tenant has a patient of that name");
    }
    database.run("INSERT INTO patients VALUES (?, ?, ?, ?, ?)", id, tenant, sealedKey, sealedName, nowUnixMs);
  });
  return { id, tenant, name, createdAtUnixMs: nowUnixMs };
}

/** Patients of a tenant who were not erased. */
export function patients(context: ReadContext, tenant: TenantId): readonly Patient[] {
  const wrapping = tenantKey(context, tenant);
  return selectRows(
    context,
    "SELECT * FROM patients WHERE tenant = ? AND LENGTH(sealed_key) > 0 ORDER BY created_at_ms, id",
    tenant,
  ).map((row) => {
    const id = PatientId.parse(textColumn(row, "id"));
    const key = openBlob(wrapping, ["patient", PatientId.toBytes(id)], blobColumn(row, "sealed_key"));
    const name = openBlob(key, ["patient-name", PatientId.toBytes(id)], blobColumn(row, "sealed_name"));
    const createdAtUnixMs = integerColumn(row, "created_at_ms");
    return { id, tenant, name: new TextDecoder().decode(name), createdAtUnixMs };
  });
}
