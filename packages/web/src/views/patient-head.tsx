/** Whose page it is, and the ways between recordings, trends and values. */
import type { ReactNode } from "react";
import { Link } from "../router/navigation.tsx";
import { patientPath, trendsPath, valuesPath } from "../router/route.ts";
import type { PatientPage } from "../router/route.ts";

/** Props of {@link PatientHead}; the name is known once the patients list is. */
export interface PatientHeadProps {
  readonly patientId: string;
  readonly name: string | undefined;
  readonly page: PatientPage;
}

/** Name and tabs. */
export function PatientHead({ patientId, name, page }: PatientHeadProps): ReactNode {
  const range = page.name === "recordings" ? undefined : page.range;
  return (
    <header className="list-head patient-head">
      <Link to="/" className="back-link">
        Patients
      </Link>
      <h1 data-testid="patient-name">{name ?? "Patient"}</h1>
      <nav className="tabs" aria-label="Of this patient">
        <Link to={patientPath(patientId)} current={page.name === "recordings"} testId="tab-recordings">
          Recordings
        </Link>
        <Link to={trendsPath(patientId, range)} current={page.name === "trends"} testId="tab-trends">
          Trends
        </Link>
        <Link to={valuesPath(patientId, range)} current={page.name === "values"} testId="tab-values">
          Values
        </Link>
      </nav>
    </header>
  );
}
