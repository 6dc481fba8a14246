package org.sparkrnn.jobs;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.sparkrnn.common.corpus.Unit;
import picocli.CommandLine;
import picocli.CommandLine.IFactory;
import picocli.CommandLine.MissingParameterException;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.TypeConversionException;
import picocli.CommandLine.UnmatchedArgumentException;

/**
 * Runs one command and ends with its exit code.
 *
 * <p>Results go to standard output; progress, warnings and the one sentence of a failure to
 * standard error. Exit codes: 0 done or stopped on purpose with a checkpoint, 1 a defect of this
 * program, 2 bad input, 3 a diverged training, 4 a cluster that failed.
 */
public final class Main {
  private Main() {}

  public static void main(String[] arguments) {
    PrintStream out = utf8(FileDescriptor.out);
    PrintStream error = utf8(FileDescriptor.err);
    int exitCode = run(new Console(out, error, System.getenv()), arguments);
    out.flush();
    error.flush();
    if (exitCode != 0) {
      System.exit(exitCode);
    }
  }

  /** Runs the command that {@code arguments} name; returns the exit code. */
  static int run(Console console, String... arguments) {
    CommandLine commandLine = new CommandLine(new RootCommand(), new CommandFactory(console));
    commandLine.setOut(writer(console.out()));
    commandLine.setErr(writer(console.error()));
    commandLine.registerConverter(Unit.class, Main::unit);
    commandLine.setUsageHelpAutoWidth(false);
    commandLine.setUsageHelpWidth(100);
    commandLine.setParameterExceptionHandler(
        (exception, ignored) -> reportUsage(console, exception));
    commandLine.setExecutionExceptionHandler(
        (exception, command, parsed) ->
            ErrorReport.of(exception).print(console, RootCommand.debug(command)));
    return commandLine.execute(arguments);
  }

  private static int reportUsage(Console console, ParameterException exception) {
    CommandLine commandLine = exception.getCommandLine();
    List<String> unknown = commandLine.getUnmatchedArguments();
    ParameterException told =
        exception instanceof MissingParameterException && !unknown.isEmpty()
            ? new UnmatchedArgumentException(commandLine, unknown) // the typing error behind it
            : exception;
    String message = String.valueOf(told.getMessage()).lines().findFirst().orElse("").strip();
    List<String> similar =
        told instanceof UnmatchedArgumentException unmatched
            ? unmatched.getSuggestions()
            : List.of();
    String hint =
        similar.isEmpty()
            ? "see %s --help".formatted(commandLine.getCommandSpec().qualifiedName())
            : "did you mean %s?".formatted(similar.get(0));
    console.error().println("Cannot read the command line: %s; %s".formatted(message, hint));
    return commandLine.getCommandSpec().exitCodeOnInvalidInput();
  }

  private static Unit unit(String text) {
    return switch (text) {
      case "char" -> Unit.CHAR;
      case "word" -> Unit.WORD;
      default -> throw new TypeConversionException("it must be char or word, got " + text);
    };
  }

  private static PrintWriter writer(PrintStream stream) {
    return new PrintWriter(stream, true, StandardCharsets.UTF_8);
  }

  private static PrintStream utf8(FileDescriptor descriptor) {
    return new PrintStream(new FileOutputStream(descriptor), true, StandardCharsets.UTF_8);
  }

  /** Hands the console to the commands that ask for it in their constructor. */
  private record CommandFactory(Console console) implements IFactory {
    @Override
    public <K> K create(Class<K> type) throws Exception {
      try {
        return type.getDeclaredConstructor(Console.class).newInstance(console);
      } catch (NoSuchMethodException e) {
        return CommandLine.defaultFactory().create(type);
      }
    }
  }
}
