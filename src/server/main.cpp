#include "server/cli.hpp"

int main(int argc, char** argv) { return tandem::server::run_command_line(argc, argv); }
