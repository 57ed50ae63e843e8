# The dashboard in a container:
#
#     docker build -t whetstone .
#     docker run --init -p 127.0.0.1:8501:8501 -v whetstone:/data whetstone
#
# It has no accounts: publish the port to those only who may use it. Behind another name than localhost, set
# WHETSTONE_ALLOWED_HOSTS to that name. Uploads are confined by Landlock and seccomp of the host's kernel;
# the Machine page says whether they are there. Figures are those of the cores that the container may use.
FROM python:3.11-slim

WORKDIR /src
COPY app.py pyproject.toml constraints.txt README.md LICENSE ./
COPY .streamlit .streamlit
COPY core core
COPY pages pages
COPY sample_models sample_models
RUN pip install --no-cache-dir --constraint constraints.txt . && rm -rf /src

RUN useradd --create-home --uid 1000 whetstone && install -d -o whetstone -g whetstone -m 0700 /data
USER whetstone
WORKDIR /home/whetstone
ENV WHETSTONE_DATA_DIR=/data PYTHONUNBUFFERED=1
VOLUME /data
EXPOSE 8501
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "from urllib.request import urlopen; assert urlopen('http://127.0.0.1:8501/_stcore/health', timeout=4).read() == b'ok'"]
ENTRYPOINT ["whetstone"]
CMD ["serve", "--address", "0.0.0.0", "--port", "8501"]
