/* cli/verb_doctor.c: `heaplens doctor [FILE]`: is all well, and if not, what mends it.
 *
 * Room   cli; parses, hands over to doctor_file.c or doctor_here.c. */
#include "cli/args.h"
#include "cli/doctor.h"

int hl_verb_doctor(hl_context *c, int argc, char **argv)
{
    hl_args a = {.context = c, .verb = "doctor", .argc = argc, .argv = argv, .at = 1};
    const char *path = NULL;
    for (int option; (option = hl_args_next(&a)) != HL_ARG_END;) {
        if (option == HL_ARG_WORD && !path)
            path = a.value;
        else if (option == HL_ARG_WORD)
            return hl_usage("doctor", "one file at a time; '%s' is too much", a.value);
        else
            return option == HL_ARG_HELP ? HL_EXIT_OK : HL_EXIT_USAGE;
    }
    return path ? hl_doctor_file(c, path) : hl_doctor_here(c);
}
