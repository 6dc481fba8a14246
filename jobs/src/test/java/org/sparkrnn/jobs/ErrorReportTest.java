package org.sparkrnn.jobs;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import org.apache.spark.SparkException;
import org.junit.jupiter.api.Test;
import org.sparkrnn.common.errors.BadInputException;
import org.sparkrnn.common.errors.ClusterFailedException;
import org.sparkrnn.common.errors.CorruptFileException;
import org.sparkrnn.common.errors.DivergedException;

class ErrorReportTest {

  @Test
  void eachKindOfFailureHasItsExitCode() {
    assertThat(ErrorReport.of(new BadInputException("x")).exitCode()).isEqualTo(2);
    assertThat(ErrorReport.of(new CorruptFileException("x")).exitCode()).isEqualTo(2);
    assertThat(ErrorReport.of(new DivergedException("x")).exitCode()).isEqualTo(3);
    assertThat(ErrorReport.of(new ClusterFailedException("x")).exitCode()).isEqualTo(4);
    assertThat(ErrorReport.of(new SparkException("x")).exitCode()).isEqualTo(4);
    assertThat(ErrorReport.of(new IllegalStateException("x")).exitCode()).isEqualTo(1);
  }

  @Test
  void ourOwnExceptionInsideAnotherDecides() {
    Throwable failure =
        new IllegalStateException("job aborted", new IOException(new DivergedException("round 3")));

    assertThat(ErrorReport.of(failure).sentence()).isEqualTo("round 3");
    assertThat(ErrorReport.of(failure).exitCode()).isEqualTo(3);
  }

  @Test
  void aFailedFileOperationNamesTheFile() {
    assertThat(ErrorReport.of(new NoSuchFileException("a/b")).sentence())
        .isEqualTo("Cannot find a/b.");
    assertThat(ErrorReport.of(new FileAlreadyExistsException("a/b")).sentence())
        .isEqualTo("Cannot write a/b: it exists already.");
    assertThat(ErrorReport.of(new AccessDeniedException("a/b")).sentence())
        .isEqualTo("Cannot access a/b: permission denied.");
    assertThat(
            ErrorReport.of(new AccessDeniedException("a/b", null, "permission denied")).sentence())
        .isEqualTo("Cannot access a/b: permission denied.");
    assertThat(
            ErrorReport.of(new FileSystemException("a/b", null, "No space left on device"))
                .sentence())
        .isEqualTo("Cannot use a/b: No space left on device.");
  }

  @Test
  void theStackTraceAppearsOnRequestOnly() {
    ErrorReport report = ErrorReport.of(new BadInputException("Cannot do it: no"));

    assertThat(printed(report, false)).isEqualTo("Cannot do it: no" + System.lineSeparator());
    assertThat(printed(report, true)).contains("Cannot do it: no", "ErrorReportTest");
  }

  private static String printed(ErrorReport report, boolean debug) {
    ByteArrayOutputStream error = new ByteArrayOutputStream();
    PrintStream stream = new PrintStream(error, true, StandardCharsets.UTF_8);
    report.print(new Console(stream, stream, 0), debug);
    return error.toString(StandardCharsets.UTF_8);
  }
}
