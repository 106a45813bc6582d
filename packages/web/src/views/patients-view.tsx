/** Patients at the left, the chosen one at the right; on a phone one of the two at a time. */
import { useCallback } from "react";
import type { ReactNode } from "react";
import type { Route } from "../router/route.ts";
import { useServices } from "../services.ts";
import { TrendsView } from "../trends/trends-view.tsx";
import { ValuesView } from "../trends/values-view.tsx";
import { Empty } from "./notice.tsx";
import { PatientHead } from "./patient-head.tsx";
import { PatientList } from "./patient-list.tsx";
import { RecordingList } from "./recording-list.tsx";
import { useResource } from "./use-resource.ts";

/** How often the lists ask again while they are looked at. */
const REFRESH_MS = 10_000;

type Chosen = Extract<Route, { readonly view: "patient" }>;

/** View of `/` and of everything below `/patients/:id`. */
export function PatientsView({ chosen }: { readonly chosen: Chosen | undefined }): ReactNode {
  const { api } = useServices();
  const patients = useResource(
    useCallback((signal: AbortSignal) => api.patients(signal), [api]),
    REFRESH_MS,
  );
  const name = patients.value?.find(({ id }) => id === chosen?.patientId)?.name;
  return (
    <div className="split" data-chosen={chosen !== undefined}>
      <PatientList patients={patients} chosenId={chosen?.patientId} />
      <section className="split-detail" aria-label="Patient">
        {chosen === undefined ? (
          <Empty>Choose a patient to see recordings and trends.</Empty>
        ) : (
          <>
            <PatientHead patientId={chosen.patientId} name={name} page={chosen.page} />
            <Page key={chosen.patientId} chosen={chosen} />
          </>
        )}
      </section>
    </div>
  );
}

function Page({ chosen: { patientId, page } }: { readonly chosen: Chosen }): ReactNode {
  if (page.name === "trends") return <TrendsView patientId={patientId} range={page.range} />;
  if (page.name === "values") return <ValuesView patientId={patientId} range={page.range} code={page.code} />;
  return <RecordingList patientId={patientId} refreshMs={REFRESH_MS} />;
}
