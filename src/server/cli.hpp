#pragma once

namespace tandem::server {

/// The program: parses the command line and runs the verb. Returns the exit code: 0 done, 1 failed
/// with a reason on stderr, 2 wrong arguments.
int run_command_line(int argc, char** argv);

}  // namespace tandem::server
