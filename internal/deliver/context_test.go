package deliver

import "context"

// bg is the context of calls that no test ends.
var bg = context.Background()
