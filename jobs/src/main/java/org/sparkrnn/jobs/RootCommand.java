package org.sparkrnn.jobs;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.IVersionProvider;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;

/** What stands between {@code bin/spark-rnn} and the name of a command. */
@Command(
    name = "spark-rnn",
    header = "Trains recurrent networks on Apache Spark.",
    synopsisHeading = "Usage: ",
    customSynopsis = "bin/spark-rnn [--master M] [--conf key=value ...] [--verbose] COMMAND ...",
    descriptionHeading = "%n",
    description =
        "Text in, a trained recurrent network out: tokenize, train, evaluate, generate, predict,"
            + " inspect, compare.",
    commandListHeading = "%nCommands:%n",
    optionListHeading = "%nOptions:%n",
    footerHeading = "%nExit codes:%n",
    footer = {
      "  0 done, or stopped on purpose with a checkpoint   1 a defect of spark-rnn",
      "  2 bad input   3 the training diverged   4 the cluster failed",
      "",
      "--master (default local[*]) and --conf are Spark's, as in spark-submit; --verbose shows its log."
    },
    mixinStandardHelpOptions = true,
    versionProvider = RootCommand.Version.class,
    subcommands = {
      TokenizeCommand.class,
      TrainCommand.class,
      EvaluateCommand.class,
      GenerateCommand.class,
      PredictCommand.class,
      InspectCommand.class,
      CompareCommand.class
    })
final class RootCommand implements Runnable {
  @Spec private CommandSpec spec = CommandSpec.create();

  @Option(
      names = "--debug",
      description = "Print the stack trace of a failure.",
      scope = ScopeType.INHERIT)
  private boolean debug;

  @Override
  public void run() {
    throw new ParameterException(
        spec.commandLine(), "Cannot run spark-rnn without a command (tokenize, train, ...)");
  }

  static boolean debug(CommandLine command) {
    CommandLine root = command;
    while (root.getParent() != null) {
      root = root.getParent();
    }
    return ((RootCommand) root.getCommand()).debug;
  }

  /** The version in the jar's manifest, with the Spark and Scala it was built for. */
  static final class Version implements IVersionProvider {
    @Override
    public String[] getVersion() {
      String version = RootCommand.class.getPackage().getImplementationVersion();
      return new String[] {
        "spark-rnn " + (version == null ? "(not packaged)" : version),
        "Spark " + org.apache.spark.package$.MODULE$.SPARK_VERSION(),
        "Java " + Runtime.version()
      };
    }
  }
}
