package template_test

import (
	"math"
	"os"
	"regexp"
	"strconv"
	"testing"

	"shirase/infra/template"
)

// idle is what a month may cost in which nothing happens.
const idle = 5.00

// TestCostIsThatOfTheTemplate compares docs/cost.md with what there is to pay for.
func TestCostIsThatOfTheTemplate(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/cost.md")
	if err != nil {
		t.Fatal(err)
	}
	doc, sum := string(text), 0.0
	number := func(pattern string) float64 {
		t.Helper()
		m := regexp.MustCompile(`(?m)^\| ` + pattern).FindStringSubmatch(doc)
		if m == nil {
			t.Fatalf("docs/cost.md has no row like %s", pattern)
		}
		n, err := strconv.ParseFloat(m[1], 64)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	s := stack(t, shipped, "defaults")
	queues, metrics := float64(template.Mappings(s)), float64(template.AlarmMetrics(s))
	for row, want := range map[string]float64{
		`Queues that a function reads[^|]*\| (\d+) \|`: queues,
		`Metrics that alarms[^|]*\| (\d+) \|`:          metrics,
		`Root secret \| (\d+) \|`:                      float64(len(s.Of("AWS::SecretsManager::Secret"))),
		// A month of five pollers that wait for 20 seconds each, and what is free.
		`Queues that a function reads[^|]*\|[^|]*\|[^|]*\| ([\d.]+) \|`: cents((queues*5*3*60*24*30 - 1e6) * 0.40 / 1e6),
		`Metrics that alarms[^|]*\|[^|]*\|[^|]*\| ([\d.]+) \|`:          cents((metrics - 10) * 0.10),
	} {
		if got := number(row); got != want {
			t.Errorf("docs/cost.md: %s is %v, the template makes it %v", row, got, want)
		}
	}
	for _, m := range regexp.MustCompile(`(?m)^\| [A-Z][^|]*\| [\d,]+ \| [^|]* \| ([\d.]+) \|$`).FindAllStringSubmatch(doc, -1) {
		n, err := strconv.ParseFloat(m[1], 64)
		if err != nil {
			t.Fatal(err)
		}
		sum += n
	}
	if total := number(`\*\*Sum\*\* \| \| \| \*\*([\d.]+)\*\*`); cents(sum) != total || total > idle {
		t.Errorf("docs/cost.md: the sum is %v, its rows make %v, and %v is the most it may be", total, cents(sum), idle)
	}
}

func cents(v float64) float64 { return math.Round(v*100) / 100 }
