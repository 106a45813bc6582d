/** The list of patients with its filter. */
import { useRef, useState } from "react";
import type { KeyboardEvent, ReactNode, RefObject } from "react";
import type { Patient } from "../api/types.ts";
import { agoText } from "../format/time.ts";
import { countText, filterPatients } from "../format/words.ts";
import { Link } from "../router/navigation.tsx";
import { patientPath } from "../router/route.ts";
import { useServices } from "../services.ts";
import { Empty, Failure, Loading } from "./notice.tsx";
import type { Resource } from "./use-resource.ts";

/** Props of {@link PatientList}. */
export interface PatientListProps {
  readonly patients: Resource<Patient[]>;
  readonly chosenId: string | undefined;
}

/** Filter box and list. Arrow down leads from the box into the list. */
export function PatientList({ patients, chosenId }: PatientListProps): ReactNode {
  const [query, setQuery] = useState("");
  const list = useRef<HTMLDivElement>(null);
  return (
    <section className="split-list" aria-label="Patients">
      <div className="list-head">
        <h1>Patients</h1>
        <FilterBox query={query} onChange={setQuery} list={list} />
      </div>
      <div ref={list} className="list-body" onKeyDown={moveBetweenLinks}>
        <PatientItems patients={patients} query={query} chosenId={chosenId} />
      </div>
    </section>
  );
}

interface FilterBoxProps {
  readonly query: string;
  readonly onChange: (query: string) => void;
  readonly list: RefObject<HTMLDivElement | null>;
}

function FilterBox({ query, onChange, list }: FilterBoxProps): ReactNode {
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === "Escape") onChange("");
    if (event.key !== "ArrowDown") return;
    event.preventDefault();
    list.current?.querySelector("a")?.focus();
  };
  return (
    <input
      type="search"
      className="filter"
      placeholder="Find a patient"
      aria-label="Find a patient by name or number"
      value={query}
      onChange={(event) => onChange(event.target.value)}
      onKeyDown={onKeyDown}
      data-testid="patient-filter"
    />
  );
}

function PatientItems({ patients, query, chosenId }: PatientListProps & { readonly query: string }): ReactNode {
  if (patients.value === undefined) {
    return patients.error === undefined ? (
      <Loading what="patients" />
    ) : (
      <Failure error={patients.error} onRetry={patients.reload} />
    );
  }
  if (patients.value.length === 0) return <Empty>No patients yet. They appear with their first assignment.</Empty>;
  const found = filterPatients(patients.value, query);
  if (found.length === 0) return <Empty>No patient matches “{query}”.</Empty>;
  return (
    <ul className="items" data-testid="patients">
      {found.map((patient) => (
        <PatientItem key={patient.id} patient={patient} chosen={patient.id === chosenId} />
      ))}
    </ul>
  );
}

function PatientItem({ patient, chosen }: { readonly patient: Patient; readonly chosen: boolean }): ReactNode {
  const { nowUnixMs } = useServices();
  const { latestReceivedAtUnixMs: latest, live } = patient;
  return (
    <li>
      <Link to={patientPath(patient.id)} className="item" current={chosen} testId="patient">
        <span className="item-title">
          {patient.name}
          {live && <span className="badge badge-live">Live</span>}
        </span>
        <span className="item-detail">
          {countText(patient.recordingCount, "recording")}
          {latest !== null && ` · data ${agoText(nowUnixMs(), latest)}`}
        </span>
      </Link>
    </li>
  );
}

function moveBetweenLinks(event: KeyboardEvent<HTMLDivElement>): void {
  const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
  if (step === 0) return;
  const links = [...event.currentTarget.querySelectorAll("a")];
  const focused = links.findIndex((link) => link === document.activeElement);
  event.preventDefault();
  links[Math.min(links.length - 1, Math.max(0, focused + step))]?.focus();
}
