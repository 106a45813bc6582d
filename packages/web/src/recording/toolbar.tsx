/** Controls of the recording page. */
import type { ReactNode } from "react";
import { GAINS, speedText } from "../paper/speeds.ts";
import type { SpeedChoice } from "../paper/speeds.ts";
import { GapMenu } from "./gap-menu.tsx";
import { HelpMenu } from "./help-menu.tsx";
import { Icon } from "./icon.tsx";
import { NeighbourLinks } from "./neighbour-links.tsx";
import type { Stage } from "./stage.ts";
import type { ViewerActions } from "./use-viewer.ts";

/** Props of {@link Toolbar}. */
export interface ToolbarProps {
  readonly stage: Stage;
  readonly choices: readonly SpeedChoice[];
  readonly actions: ViewerActions;
  readonly onCalibrate: () => void;
}

/** Speed, gain, moving about, following, gaps, print and screen size. */
export function Toolbar({ stage, choices, actions, onCalibrate }: ToolbarProps): ReactNode {
  return (
    <div className="toolbar" role="toolbar" aria-label="View">
      <SpeedControl stage={stage} choices={choices} actions={actions} />
      <GainControl gainMmPerMv={stage.gainMmPerMv} onChange={actions.setGain} />
      <MoveButtons actions={actions} />
      <NeighbourLinks recording={stage.recording} />
      {stage.recording.state === "live" && (
        <FollowButton following={stage.viewport.following} onChange={actions.setFollowing} />
      )}
      <span className="toolbar-rest">
        {stage.recording.gaps.length > 0 && <GapMenu recording={stage.recording} onCentre={actions.centreOn} />}
        <ToolButton label="Print" testId="print" wide onClick={() => print()}>
          <Icon name="print" />
        </ToolButton>
        <ToolButton label="Screen size" testId="calibrate" wide onClick={onCalibrate}>
          <Icon name="ruler" />
        </ToolButton>
        <HelpMenu />
      </span>
    </div>
  );
}

function SpeedControl({ stage, choices, actions }: Omit<ToolbarProps, "onCalibrate">): ReactNode {
  const { speed } = stage.viewport;
  const shown = choices.includes(speed) ? choices : [...choices, speed];
  return (
    <span className="group">
      <ToolButton label="Zoom out" testId="zoom-out" onClick={() => actions.stepSpeed(-1)}>
        <Icon name="minus" />
      </ToolButton>
      <select
        aria-label="Paper speed"
        data-testid="speed"
        value={String(speed)}
        onChange={({ target }) => actions.setSpeed(target.value === "whole" ? "whole" : Number(target.value))}
      >
        {shown.map((choice) => (
          <option key={choice} value={String(choice)}>
            {choice === "whole" ? "Whole recording" : speedText(choice)}
          </option>
        ))}
      </select>
      <ToolButton label="Zoom in" testId="zoom-in" onClick={() => actions.stepSpeed(1)}>
        <Icon name="plus" />
      </ToolButton>
    </span>
  );
}

function GainControl(props: { readonly gainMmPerMv: number; readonly onChange: (gain: number) => void }): ReactNode {
  return (
    <select
      aria-label="Gain"
      data-testid="gain"
      value={props.gainMmPerMv}
      onChange={({ target }) => props.onChange(Number(target.value))}
    >
      {GAINS.map((gain) => (
        <option key={gain} value={gain}>
          {gain} mm/mV
        </option>
      ))}
    </select>
  );
}

function MoveButtons({ actions }: { readonly actions: ViewerActions }): ReactNode {
  return (
    <span className="group group-moves">
      <ToolButton label="To the start" testId="go-start" onClick={() => actions.goToEnd("start")}>
        <Icon name="start" />
      </ToolButton>
      <ToolButton
        label="A window back"
        className="wide-only"
        testId="page-back"
        onClick={() => actions.panByWindow(-0.9)}
      >
        <Icon name="back" />
      </ToolButton>
      <ToolButton
        label="A window forward"
        className="wide-only"
        testId="page-forward"
        onClick={() => actions.panByWindow(0.9)}
      >
        <Icon name="forward" />
      </ToolButton>
      <ToolButton label="To the end" testId="go-end" onClick={() => actions.goToEnd("end")}>
        <Icon name="end" />
      </ToolButton>
    </span>
  );
}

function FollowButton(props: { readonly following: boolean; readonly onChange: (on: boolean) => void }): ReactNode {
  return (
    <button
      type="button"
      className="button-follow"
      aria-pressed={props.following}
      title="Keep the newest data at the right edge (L)"
      onClick={() => props.onChange(!props.following)}
      data-testid="follow-live"
    >
      Follow live
    </button>
  );
}

interface ToolButtonProps {
  readonly label: string;
  readonly testId: string;
  readonly onClick: () => void;
  readonly children: ReactNode;
  /** Shows the label beside the icon where there is room. */
  readonly wide?: boolean;
  readonly className?: string;
}

function ToolButton({ label, testId, onClick, children, wide, className }: ToolButtonProps): ReactNode {
  return (
    <button type="button" className={className} aria-label={label} title={label} onClick={onClick} data-testid={testId}>
      {children}
      {wide === true && <span className="button-word">{label}</span>}
    </button>
  );
}
