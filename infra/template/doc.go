// Package template reads the CloudFormation and SAM templates of this project and
// holds the rules that they keep: who may do what, what happens to what fails,
// who hears of it, and what an idle month costs. Linters judge the form of a
// template; nothing else judges these.
//
// A template is read with [Read], resolved for one choice of parameters with
// [Template.Resolve], and judged by [Rules]. The same rules judge what SAM makes
// of a template, which tests with the tag contract do.
package template
