package api_test

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"strconv"
	"strings"
	"time"
)

// understand reads an answer as the model would write it.
func understand(r request, w *httptest.ResponseRecorder) (got reply, i inc) {
	got.status = w.Code
	if w.Code >= 500 {
		return got, i
	}
	var v struct {
		Type, ID, Kind, Stage, Severity, Hash, Text, End string
		Version, Seq, Of                                 int
		Components, Allowed, Absorbed                    []string
		Promise                                          *struct {
			By  time.Time
			Seq int
		}
		AckedBy    string `json:"acked_by"`
		MergedInto string `json:"merged_into"`
		Live       bool
		Updates    []struct {
			Seq, Of     int
			Stage, Kind string
			WithdrawnAt time.Time `json:"withdrawn_at"`
		}
	}
	if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil {
		got.problem = fmt.Sprintf("unreadable: %v", err)
		return got, i
	}
	if w.Code >= 300 {
		got.problem = strings.TrimPrefix(v.Type, "urn:shirase:problem:")
		got.version, got.allowed = v.Version, strings.Join(v.Allowed, " ")
		return got, i
	}
	if tag := w.Header().Get("ETag"); tag != "" {
		got.version, _ = strconv.Atoi(strings.Trim(tag, `"`))
	}
	by := 0
	if v.Promise != nil {
		by = int(v.Promise.By.Sub(noon) / time.Minute)
	}
	switch r.verb {
	case "note":
		got.view = v.Text
	case "told":
		got.view = fmt.Sprintf("%+v", told{Seq: v.Seq, Stage: v.Stage, Kind: v.Kind, Of: v.Of})
	case "preview":
		got.hash, got.view = v.Hash, fmt.Sprintf("%s %s %d", v.Stage, v.Kind, by)
	default:
		i = inc{
			Kind: v.Kind, Stage: v.Stage, Severity: v.Severity, Version: v.Version, Seq: v.Seq, Components: v.Components,
			By: by, Acked: v.AckedBy, End: v.End, Into: v.MergedInto, Absorbed: v.Absorbed,
		}
		if v.Promise != nil {
			i.From = v.Promise.Seq
		}
		for _, u := range v.Updates {
			i.Lines = append(i.Lines, told{u.Seq, u.Stage, u.Kind, u.Of, !u.WithdrawnAt.IsZero()})
		}
		if v.Live != (v.End == "") {
			got.problem = "live and ended do not fit"
		}
		got.view = fmt.Sprintf("%+v", i)
		if r.verb == "open" {
			got.id = v.ID
		}
	}
	return got, i
}
