package template

// Mappings answers how many queues hand their messages to a function. Each is
// polled all day, and billed for it.
func Mappings(s *Stack) int { return len(s.mappings()) }

// AlarmMetrics answers how many metrics the alarms of a stack read. Each is billed,
// also within an expression.
func AlarmMetrics(s *Stack) int {
	n := 0
	for _, a := range s.Of("AWS::CloudWatch::Alarm") {
		n += len(watched(a))
	}
	return n
}
