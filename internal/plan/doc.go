// Package plan holds the communication plan: who is told what, on which
// channel, how often, which alarms concern which component, and who is on call.
// A plan is one YAML file, read strictly: every fault names its line and column
// and draws a caret, and everything that the file leaves out has a default.
//
// The package knows no templates and no channels of its own: which channels
// there are, and to which family each belongs, is handed to [Parse].
package plan
