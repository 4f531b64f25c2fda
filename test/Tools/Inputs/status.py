"""python status.py EXPECTED COMMAND...: fails unless the command ends with this status and no trace of a crash."""
import subprocess
import sys

done = subprocess.run(sys.argv[2:], capture_output=True, text=True, errors="replace")
sys.exit(done.returncode != int(sys.argv[1]) and f"status {done.returncode}, expected {sys.argv[1]}\n{done.stderr}")
