// Command bugs shows that the simulator is not blind. It plants one bug after
// the other, each a mistake that somebody could make tomorrow, and lets the
// simulator look for it:
//
//	go run ./infra/sim/bugs [-run REGEXP] [-seeds 2000] [-j 1]
//
// A bug is a patch of one shipping file, kept under bugs/. The patched file goes
// to a temporary folder and into the build by an overlay, so that nothing that
// ships knows of it. First the simulator must find nothing in the program as it
// is; then it must find each bug within the seeds. A bug that it misses, and a
// patch that no longer applies or compiles, fails the run.
//
// A new checker comes with a bug that it alone finds. A patch that no longer
// applies is written anew for the code as it is; it is dropped only where the
// mistake can no longer be made.
package main
