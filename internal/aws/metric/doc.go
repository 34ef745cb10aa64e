// Package metric turns log lines into CloudWatch metrics by the embedded metric
// format: the one line that sums up an invocation carries its counts already, so
// it is given the block that CloudWatch reads, and line and metric are one.
// Nothing calls CloudWatch, and nothing is lost while it is away.
//
// Every whole or broken number of such a line is a metric: a count, or
// milliseconds or bytes where its key ends in _ms or _bytes; zeros are left out, so
// an idle month costs no metric but those that show it idles. The dimensions are
// stack, function and channel, with bounded values; never an incident, a person or a text.
//
// https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
package metric
