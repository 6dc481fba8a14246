package org.sparkrnn.jobs;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import org.jspecify.annotations.Nullable;
import org.sparkrnn.common.errors.BadInputException;
import org.sparkrnn.common.errors.ClusterFailedException;
import org.sparkrnn.common.errors.DivergedException;

/**
 * What a failure means for the user: one sentence and an exit code.
 *
 * <p>The outermost exception of our own decides; without one, a failed file operation is bad input
 * and Spark's exceptions are a failed cluster. Anything else is a defect of this program.
 */
record ErrorReport(String sentence, int exitCode, Throwable failure) {
  static final int DEFECT = 1;

  static ErrorReport of(Throwable failure) {
    for (Throwable t = failure; t != null; t = t.getCause()) {
      String message = message(t);
      if (t instanceof BadInputException) {
        return new ErrorReport(message, BadInputException.EXIT_CODE, failure);
      }
      if (t instanceof DivergedException) {
        return new ErrorReport(message, DivergedException.EXIT_CODE, failure);
      }
      if (t instanceof ClusterFailedException) {
        return new ErrorReport(message, ClusterFailedException.EXIT_CODE, failure);
      }
    }
    for (Throwable t = failure; t != null; t = t.getCause()) {
      if (t instanceof IOException exception) {
        return new ErrorReport(sentenceOf(exception), BadInputException.EXIT_CODE, failure);
      }
    }
    if (failure.getClass().getName().startsWith("org.apache.spark.")) {
      return new ErrorReport(
          "Cannot finish on this cluster: " + message(failure),
          ClusterFailedException.EXIT_CODE,
          failure);
    }
    return new ErrorReport(
        "Cannot continue: %s: %s (a defect of spark-rnn; --debug shows where)"
            .formatted(failure.getClass().getSimpleName(), message(failure)),
        DEFECT,
        failure);
  }

  /** Prints the sentence, with {@code debug} the stack trace too; returns the exit code. */
  int print(Console console, boolean debug) {
    console.error().println(sentence);
    if (debug) {
      failure.printStackTrace(console.error());
    }
    return exitCode;
  }

  private static String sentenceOf(IOException exception) {
    if (exception instanceof NoSuchFileException missing) {
      return "Cannot find %s%s.".formatted(missing.getFile(), reason(missing));
    }
    if (exception instanceof FileAlreadyExistsException existing) {
      return "Cannot write %s: it exists already%s."
          .formatted(existing.getFile(), reason(existing));
    }
    if (exception instanceof AccessDeniedException denied) {
      return "Cannot access %s: permission denied.".formatted(denied.getFile());
    }
    if (exception instanceof FileSystemException other) {
      return "Cannot use %s%s.".formatted(other.getFile(), reason(other));
    }
    String message = message(exception);
    return message.startsWith("Cannot") ? message : "Cannot read or write: " + message;
  }

  private static String reason(FileSystemException exception) {
    @Nullable String reason = exception.getReason();
    return reason == null ? "" : ": " + reason;
  }

  /** The first line of what {@code t} says. */
  private static String message(Throwable t) {
    String message = t.getMessage();
    if (message == null || message.isBlank()) {
      return t.getClass().getSimpleName();
    }
    return message.lines().findFirst().orElse("").strip();
  }
}
