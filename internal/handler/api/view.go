package api

import (
	"time"

	"shirase/internal/announce"
	"shirase/internal/incident"
)

// Incident is an incident in short.
type Incident struct {
	ID         incident.ID            `json:"id"`
	Kind       incident.Kind          `json:"kind"`
	Stage      incident.Stage         `json:"stage"`
	Severity   incident.Severity      `json:"severity"`
	Version    int                    `json:"version"`
	Seq        int                    `json:"seq" doc:"The number of the newest update; 0 before the first notice."`
	Components []incident.ComponentID `json:"components"`
	Promise    *Promise               `json:"promise,omitempty" doc:"When the next update is promised."`
	Live       bool                   `json:"live"`
	End        incident.End           `json:"end,omitempty"`
	DetectedAt time.Time              `json:"detected_at"`
	OpenedAt   time.Time              `json:"opened_at"`
	EndedAt    time.Time              `json:"ended_at,omitzero"`
	AckedBy    string                 `json:"acked_by,omitempty"`
	MergedInto incident.ID            `json:"merged_into,omitempty"`
	Window     *Window                `json:"window,omitempty"`
	Drill      bool                   `json:"drill,omitempty"`
	Link       string                 `json:"link" doc:"Where readers see it."`
}

// Promise is an open promise.
type Promise struct {
	By  time.Time `json:"by"`
	Seq int       `json:"seq" doc:"The update that gave it."`
}

// Line is an update in short.
type Line struct {
	Seq         int                 `json:"seq"`
	Stage       incident.Stage      `json:"stage"`
	Kind        incident.UpdateKind `json:"kind"`
	At          time.Time           `json:"at"`
	Of          int                 `json:"of,omitempty"`
	WithdrawnAt time.Time           `json:"withdrawn_at,omitzero"`
}

// Detail is an incident with all that is known of it.
type Detail struct {
	Incident
	Updates   []Line             `json:"updates"`
	Facts     Facts              `json:"facts"`
	Promises  []incident.Promise `json:"promises"`
	Checklist []Check            `json:"checklist"`
	Notes     []announce.Note    `json:"notes"`
	Drafts    []Draft            `json:"drafts"`
	Absorbed  []incident.ID      `json:"absorbed,omitempty"`
}

// Draft is an update that waits, in short.
type Draft struct {
	ID     announce.DraftID    `json:"id"`
	State  announce.DraftState `json:"state"`
	Hash   string              `json:"hash"`
	At     time.Time           `json:"at"`
	AutoAt time.Time           `json:"auto_at,omitzero"`
	Called int                 `json:"called" doc:"How many times somebody on call was told."`
}

// Check is one thing to do or to know, and whether it is done.
type Check struct {
	Item string `json:"item"`
	Done bool   `json:"done"`
}

func (s *server) view(n incident.Snapshot) Incident {
	v := Incident{
		ID: n.ID, Kind: n.Kind, Stage: n.Stage, Severity: n.Severity, Version: n.Version, Seq: n.Seq, Components: n.Components,
		Live: n.End == "", End: n.End, DetectedAt: n.DetectedAt, OpenedAt: n.OpenedAt, EndedAt: n.EndedAt,
		AckedBy: n.AckedBy, MergedInto: n.MergedInto, Drill: n.ID.Drill(), Link: s.Announce.Links.Incident(n.ID),
	}
	if k := len(n.Promises) - 1; k >= 0 && n.Promises[k].Open() {
		v.Promise = &Promise{By: n.Promises[k].By, Seq: n.Promises[k].Seq}
	}
	if !n.Window.IsZero() {
		v.Window = &Window{From: n.Window.From, To: n.Window.To}
	}
	return v
}

func lines(n incident.Snapshot) []Line {
	out := make([]Line, len(n.Lines))
	for k, l := range n.Lines {
		out[k] = Line(l)
	}
	return out
}

// checklist is what good practice asks of this incident, in order.
func checklist(n incident.Snapshot) []Check {
	f := n.Facts
	c := []Check{
		{"taken on by somebody", n.AckedBy != ""},
		{"first notice sent", n.Seq > 0},
		{"effect on readers known", f.Effect.Known()},
		{"scope known", f.Scope.Known()},
		{"start known", f.StartedAt.Known()},
		{"effect on data known", f.Data.Known()},
		{"workaround known, or none", f.Workaround.Known()},
		{"outlook given", f.Outlook.Known()},
		{"cause known", f.Cause.Known()},
		{"resolved notice sent", n.Stage.Final()},
	}
	if n.Kind == incident.Outage && (n.Severity == incident.Critical || n.Severity == incident.Major) {
		c = append(c, Check{"result report published", n.Stage == incident.Postmortem})
	}
	return c
}
