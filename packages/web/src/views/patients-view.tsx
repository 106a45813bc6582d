/** Patients at the left, the chosen one's recordings at the right; on a phone one of the two at a time. */
import { useCallback } from "react";
import type { ReactNode } from "react";
import { useServices } from "../services.ts";
import { Empty } from "./notice.tsx";
import { PatientList } from "./patient-list.tsx";
import { RecordingList } from "./recording-list.tsx";
import { useResource } from "./use-resource.ts";

/** How often the lists ask again while they are looked at. */
const REFRESH_MS = 10_000;

/** View of `/` and `/patients/:id`. */
export function PatientsView({ patientId }: { readonly patientId: string | undefined }): ReactNode {
  const { api } = useServices();
  const patients = useResource(
    useCallback((signal: AbortSignal) => api.patients(signal), [api]),
    REFRESH_MS,
  );
  const chosen = patients.value?.find(({ id }) => id === patientId);
  return (
    <div className="split" data-chosen={patientId !== undefined}>
      <PatientList patients={patients} chosenId={patientId} />
      <section className="split-detail" aria-label="Recordings">
        {patientId === undefined ? (
          <Empty>Choose a patient to see the recordings.</Empty>
        ) : (
          <RecordingList key={patientId} patientId={patientId} patientName={chosen?.name} refreshMs={REFRESH_MS} />
        )}
      </section>
    </div>
  );
}
