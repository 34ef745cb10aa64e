package runtime

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Build compiles a package as the template does, for an architecture, into
// folder/bootstrap, and answers that path. It runs in the module's root.
func Build(ctx context.Context, root, pkg, arch, folder string) (string, error) {
	out := filepath.Join(folder, "bootstrap")
	cmd := exec.CommandContext(ctx, "go", "build", "-tags", "lambda.norpc,nethttpomithttp2", "-trimpath", "-ldflags", "-s -w", "-o", out, pkg) //nolint:gosec // the caller names a package of ours
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+arch)
	if said, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build %s: %w: %s", pkg, err, said)
	}
	return out, nil
}
